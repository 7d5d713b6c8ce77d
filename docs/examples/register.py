#!/usr/bin/env python3
"""A cash register that charges one amount through the reader daemon, with Python's standard library alone.

    register.py LOCAL_JSON AMOUNT_FEN

LOCAL_JSON is the file in the daemon's data folder that says where it listens and what opens it; it changes whenever
the daemon starts. Prints a line for each event. Exit code 0: paid; 1: not paid; 3: signed, but nobody knows yet.
"""

import json
import sys
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

    def charge(self, number, fen):
        """Yields the transaction each time that it stands elsewhere, to its end.

        With the same number this may be called again after a broken connection: nobody is charged twice.
        """
        order = {"operation": "purse.payment", "amount_fen": fen}
        self.ask("PUT", number, order).close()
        with self.ask("GET", f"{number}/events") as events:
            for line in events:
                # The names of the events are in the data, too; whatever else comes is passed over.
                if line.startswith(b"data:"):
                    yield json.loads(line[len(b"data:"):])


def main():
    local_json, fen = sys.argv[1], int(sys.argv[2])
    number = str(uuid.uuid4())
    end = None
    try:
        for end in Daemon(local_json).charge(number, fen):
            reason = end["reason"] or {"en": ""}
            print(end["state"], end["card"], end["result"] or "", reason["en"], flush=True)
    except urllib.error.HTTPError as error:
        problem = json.load(error)
        print(problem["type"], problem["title"], file=sys.stderr)
        return 1
    result = end and end["result"]
    return {"accepted": 0, "accepted_offline": 0, "refused": 1, "given_up": 1}.get(result, 3)


if __name__ == "__main__":
    sys.exit(main())
