#!/usr/bin/env python3
"""A cash register that charges one amount through the reader daemon, with Python's standard library alone.

    register.py LOCAL_JSON AMOUNT_FEN

LOCAL_JSON is the file in the daemon's data folder that says where it listens and what opens it; it changes whenever
the daemon starts. Prints a line for each event. Exit code 0: paid; 1: not paid; 3: nobody knows, so look at the
merchant's list before charging again.
"""

import http.client
import json
import sys
import time
import urllib.error
import urllib.request
import uuid

API_LEVEL = "1"


class Daemon:
    def __init__(self, local_json):
        with open(local_json, encoding="utf-8") as file:
            local = json.load(file)
        self.base = f"http://{local['address']}/v1/transactions"
        self.token = local["token"]
        # A proxy of the machine must not see the token.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, method, path, body=None):
        """The open answer. Raises HTTPError with a problem document (RFC 9457) whose `type` is stable."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/{path}", data=data, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Api-Level", API_LEVEL)
        request.add_header("Content-Type", "application/json")
        return self.opener.open(request, timeout=180)

    def order(self, number, fen):
        """Raises HTTPError when nothing was begun."""
        self.ask("PUT", number, {"operation": "purse.payment", "amount_fen": fen}).close()

    def follow(self, number):
        """Yields the transaction each time that it stands elsewhere, until it is known how it ended."""
        now = None
        with self.ask("GET", f"{number}/events") as events:
            for line in events:
                # The names of the events are in the data, too; whatever else comes is passed over.
                if line.startswith(b"data:"):
                    now = json.loads(line[len(b"data:"):])
                    yield now
        while now and now["result"] == "unconfirmed":
            time.sleep(1)
            with self.ask("GET", number) as answer:
                now = json.load(answer)
        yield now


def main():
    daemon, fen = Daemon(sys.argv[1]), int(sys.argv[2])
    number = str(uuid.uuid4())
    try:
        daemon.order(number, fen)
    except urllib.error.HTTPError as error:
        problem = json.load(error)
        print(problem["type"], problem["title"], file=sys.stderr)
        return 1
    except (OSError, http.client.HTTPException) as error:
        print(f"nobody knows whether it was ordered: {error}", file=sys.stderr)
        return 3
    result = None
    try:
        for now in daemon.follow(number):
            result = now["result"]
            reason = now["reason"] or {"en": ""}
            print(now["state"], now["card"], result or "", reason["en"], flush=True)
    except (OSError, http.client.HTTPException) as error:
        print(f"nobody knows how it ended: {error}", file=sys.stderr)
    return {"accepted": 0, "accepted_offline": 0, "refused": 1, "given_up": 1}.get(result, 3)


if __name__ == "__main__":
    sys.exit(main())
