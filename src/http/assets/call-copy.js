// Copies the transcript as text. Offered where the browser lets a page do so: not on an address without
// TLS, other than this machine's.

export function offerCopy() {
  if (!navigator.clipboard?.writeText) return;
  document.documentElement.classList.add("can-copy");
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("#copy");
    if (!button) return;
    const tell = (what) => {
      const told = document.getElementById("copied");
      if (told) told.textContent = what;
    };
    tell("");
    try {
      const response = await fetch(button.dataset.from);
      if (!response.ok) throw new Error(response.statusText);
      await navigator.clipboard.writeText(await response.text());
      tell("Copied");
      setTimeout(() => tell(""), 4000);
    } catch {
      tell("It could not be copied. The text is there to download.");
    }
  });
}
