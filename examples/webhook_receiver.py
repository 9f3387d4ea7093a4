"""A receiver of pushed messages in Python, without packages. It handles only requests that its queue signed, and each message once.

WEBHOOK_SECRET is the secret that POST /v1/queues/{queue}/signing-secret returned. Verify with the package `standardwebhooks` if you like.
"""

import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE_SECONDS = 300
handled = set()


def is_signed(headers, payload):
    """Whether one of the signatures is ours, and the request is recent. `payload` is the body as it arrived."""
    message_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > TOLERANCE_SECONDS:
        return False
    signed = f"{message_id}.{sent_at}.".encode() + payload
    expected = "v1," + base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, given) for given in headers.get("webhook-signature", "").split(" "))


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        payload = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not is_signed(self.headers, payload):
            return self.answer(401)
        message = json.loads(payload)
        if message["id"] not in handled:  # A message may come more than once.
            handled.add(message["id"])
            print("order", message["body"]["order"], flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 0))), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}/hooks/orders", flush=True)
server.serve_forever()
