"""Twilio's own library against the doors of a running server.

usage: oracle.py HOST:PORT TOKEN VOICE_PATH

Forms of every odd kind are signed by the library and posted; then the same with one thing changed, which
must be refused. The TwiML that comes back is compared with what the library would write.
"""

import http.client
import random
import sys
import urllib.parse
import xml.etree.ElementTree as xml

from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Start, VoiceResponse


class Fields:
    """A form whose names may come again, as web frameworks hand it to the library."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def __iter__(self):
        return iter([name for name, _ in self.pairs])

    def getlist(self, name):
        return [value for given, value in self.pairs if given == name]


def ask(address, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    # An upgrade has no end.
    text = b"" if answer.status == 101 else answer.read()
    connection.close()
    return answer.status, text


def post(address, path, pairs, signature):
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": signature,
    }
    return ask(address, "POST", path, urllib.parse.urlencode(pairs), headers)


def forms(chance):
    """Forms with names and values of every odd kind."""
    words = ["", " ", "a", "B", "b", "é", "שלום", "+972501234567", "a b", "a+b", "%41", "&=", "💬", "x" * 300, "\n", "'\""]
    for number in range(40):
        pairs = [("CallSid", f"CA{number}"), ("From", "+972501234567"), ("To", "+97231234567")]
        for _ in range(chance.randrange(8)):
            pairs.append((chance.choice(words) or "Name", chance.choice(words)))
        chance.shuffle(pairs)
        yield pairs


def spoilt(chance, pairs):
    """The same form with one thing changed."""
    at = chance.randrange(len(pairs))
    name, value = pairs[at]
    other = [(name, value + "1"), (name + "x", value)]
    return pairs[:at] + [chance.choice(other)] + pairs[at + 1 :]


def shape(element):
    attributes = sorted(element.attrib.items())
    children = [shape(child) for child in element]
    return element.tag, attributes, (element.text or "").strip(), children


def as_the_library_writes_it(base, voice, call):
    response = VoiceResponse()
    response.say("שלום, השיחה מוקלטת. נשמח לעזור.", language="he-IL", voice="Google.he-IL-Wavenet-A")
    start = Start()
    stream = start.stream(
        url=f"ws://{base}/media/{call}",
        track="inbound_track",
        status_callback=f"http://{base}/webhook/twilio/stream",
        status_callback_method="POST",
    )
    stream.parameter(name="from", value="+972501234567")
    stream.parameter(name="language", value="he")
    stream.parameter(name="to", value="+97231234567")
    response.append(start)
    response.record(
        play_beep=True,
        trim="trim-silence",
        max_length=3600,
        timeout=10,
        action=f"http://{base}{voice}",
        method="POST",
        recording_status_callback=f"http://{base}/webhook/twilio/recording_done",
        recording_status_callback_method="POST",
        recording_status_callback_event="completed absent",
    )
    response.hangup()
    return str(response)


def main():
    address, token, voice = sys.argv[1:4]
    base = f"http://{address}"
    validator = RequestValidator(token)
    chance = random.Random(5)
    tried = 0
    for pairs in forms(chance):
        query = chance.choice(["", "?a=1", "?a=%D7%A9&b=c+d", "?x"])
        path = voice + query
        signature = validator.compute_signature(base + path, Fields(pairs))
        status, text = post(address, path, pairs, signature)
        assert status == 200, (status, pairs, text)
        status, _ = post(address, path, spoilt(chance, pairs), signature)
        assert status == 403, (status, pairs)
        status, _ = post(address, path + ("&" if query else "?") + "y", pairs, signature)
        assert status == 403, (status, pairs)
        other = RequestValidator(token + "x").compute_signature(base + path, Fields(pairs))
        assert post(address, path, pairs, other)[0] == 403
        tried += 4
    pairs = [("CallSid", "CAx"), ("From", "+972501234567"), ("To", "+97231234567")]
    for door, more, expected in [
        ("voice", [], 200),
        ("status", [("CallStatus", "in-progress")], 200),
        ("stream", [("StreamEvent", "stream-started")], 200),
        ("recording_done", [("RecordingSid", "REx"), ("RecordingStatus", "absent")], 200),
    ]:
        path = f"/webhook/twilio/{door}"
        signature = validator.compute_signature(base + path, Fields(pairs + more))
        status, text = post(address, path, pairs + more, signature)
        assert status == expected, (door, status, text)
        tried += 1
        if door == "voice":
            ours = shape(xml.fromstring(text))
            theirs = shape(xml.fromstring(as_the_library_writes_it(address, voice, "CAx").encode()))
            assert ours == theirs, (ours, theirs)
    for path, signed, expected in [
        ("/media", f"ws://{address}/media", 101),
        ("/media", f"wss://{address}/media", 101),
        ("/media/CAx", f"wss://{address}/media/CAx", 101),
        ("/media/CAx", f"wss://{address}/media/CAy", 403),
    ]:
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "X-Twilio-Signature": validator.compute_signature(signed, {}),
        }
        status, _ = ask(address, "GET", path, headers=headers)
        assert status == expected, (path, signed, status)
        tried += 1
    print(f"agreed on {tried} requests")


if __name__ == "__main__":
    main()
