"""Word error rate of transcripts against known words, by Whisper's English normaliser and jiwer.

usage: wer.py FOLDER HYPOTHESES.json

FOLDER holds calls (NAME.json with turns beside NAME.wav) or files listed in ../manifest.tsv;
HYPOTHESES is a list of {file, channel, seconds, cpu, text}.
"""

import csv
import json
import pathlib
import sys

import jiwer
from whisper_normalizer.english import EnglishTextNormalizer


def reference(folder, hypothesis):
    """The words of one channel, or None where they are not known."""
    call = (folder / hypothesis["file"]).with_suffix(".json")
    if call.exists():
        track = ["inbound", "outbound"][hypothesis["channel"]]
        turns = json.loads(call.read_text())["turns"]
        return " ".join(turn["text"] for turn in turns if turn["track"] == track)
    with open(folder.parent / "manifest.tsv", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["file"] == f"{folder.name}/{hypothesis['file']}":
                text = row["text"].strip()
                return None if not text or text.startswith("DRAFT") else text
    return None


def main():
    folder, path = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    hypotheses = json.loads(path.read_text())
    normalise = EnglishTextNormalizer()
    known, heard = [], []
    for hypothesis in hypotheses:
        text = reference(folder, hypothesis)
        said = normalise(hypothesis["text"])
        label = f"  {hypothesis['file']} {hypothesis['channel']}"
        if text is None:
            print(f"{label}: {len(said.split())} words, reference unknown")
            continue
        text = normalise(text)
        known.append(text)
        heard.append(said)
        if len(hypotheses) <= 8:
            rate = jiwer.wer(text, said)
            print(f"{label}: WER {rate:.1%} of {len(text.split())} words, {hypothesis['cpu']:.2f} CPU-s")
    seconds = sum(h["seconds"] for h in hypotheses)
    cpu = sum(h["cpu"] for h in hypotheses)
    if known:
        out = jiwer.process_words(known, heard)
        print(
            f"  all: WER {out.wer:.2%} (substituted {out.substitutions}, deleted {out.deletions}, "
            f"inserted {out.insertions} of {out.hits + out.substitutions + out.deletions} words)"
        )
    print(f"  {cpu:.1f} CPU-s for {seconds:.0f} track-seconds: {cpu / seconds:.4f} per track-second")


if __name__ == "__main__":
    main()
