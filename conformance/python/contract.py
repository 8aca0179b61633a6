"""Holds a running node against the OpenAPI document that it publishes, with schemathesis: no answer is a fault of the server,
and each has a status, a type, headers and a body that the document names.

usage: contract.py TRUCELINE DIRECTORY

Loads the demo with the program TRUCELINE into DIRECTORY, serves it, signs in, makes an API token, and calls every operation.
Exit status: 0 the node keeps its contract; 1 it does not; 2 the demo could not be served.
"""

import json
import subprocess
import sys
import urllib.request

EXAMPLES = 50
SEED = 20160621
OPERATIONS_AT_LEAST = 60
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
# It does not end; what it sends is tested with the node.
NOT_CALLED = "/api/v1/stream"
SIGNED_IN_AS = {"name": "mission", "password": "exercise-exercise"}
PATIENCE_S = 600


def call(method, url, body=None, **headers):
    """Calls the node; the answer, which the caller reads."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)
    request.add_header("Content-Type", "application/json")
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    return urllib.request.urlopen(request, timeout=30)


def token(origin):
    """Signs in, and makes a token that may do everything."""
    signed_in = call("POST", f"{origin}/api/v1/session", SIGNED_IN_AS)
    cookie = signed_in.headers["Set-Cookie"].split(";")[0]
    wanted = {"label": "contract", "scopes": ["read", "say", "admin"]}
    made = call("POST", f"{origin}/api/v1/tokens", wanted, Cookie=cookie, Sec_Fetch_Site="same-origin")
    return json.load(made)["secret"]


def operations(origin):
    """How many operations the document names."""
    document = json.load(call("GET", f"{origin}/api/v1/openapi.json"))
    verbs = {"get", "put", "post", "delete", "patch"}
    return sum(len(verbs & item.keys()) for item in document["paths"].values())


def served_at(node):
    """Where the demo is served, once it says so."""
    for line in node.stdout:
        print(line, end="", flush=True)
        if line.startswith("Serving at "):
            return line.split()[2].rstrip("/")
    return None


def main():
    truceline, directory = sys.argv[1:]
    command = [truceline, "demo", "--data", directory, "--port", "0"]
    node = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        origin = served_at(node)
        if origin is None:
            return 2
        if operations(origin) < OPERATIONS_AT_LEAST:
            print("the document names too few operations to be the node's", file=sys.stderr)
            return 1
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{origin}/api/v1/openapi.json"]
        command += ["--header", f"Authorization: Bearer {token(origin)}"]
        command += ["--checks", ",".join(CHECKS), "--exclude-path", NOT_CALLED]
        command += ["--max-examples", str(EXAMPLES), "--seed", str(SEED)]
        command += ["--workers", "1", "--request-timeout", "30", "--continue-on-failure", "--no-color"]
        command += ["--suppress-health-check", "all", "--generation-database", "none"]
        judged = subprocess.run(command, cwd=directory, timeout=PATIENCE_S)
        if node.poll() is not None:
            print("the node ended meanwhile", file=sys.stderr)
            return 1
        return min(judged.returncode, 1)
    finally:
        node.terminate()
        node.wait(30)


if __name__ == "__main__":
    sys.exit(main())
