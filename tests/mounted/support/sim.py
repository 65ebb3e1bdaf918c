"""The simulated service as a process, and its control path (docs/simulator.md)."""

import http.client
import json
import os
import secrets
import signal
import subprocess

from . import processes


class Sim:
    def __init__(self, program, log_path, jobs=0, args=(), environment=None):
        self.key_id = "LTAI" + secrets.token_hex(8)
        self.key_secret = secrets.token_hex(15)
        self.log_path = log_path
        env = dict(environment or {}, ALIBABA_CLOUD_ACCESS_KEY_ID=self.key_id)
        env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = self.key_secret
        command = [*program, "--listen", "127.0.0.1:0", "--jobs", str(jobs), "--seed", "1", *args]
        with open(log_path, "wb") as log:
            self.process = processes.start(command, env=env, stdout=log, stderr=log)
        processes.wait_until(self._listening, 20, f"the simulator listens (log: {log_path})")

    def _listening(self):
        assert self.process.poll() is None, f"the simulator ended: {self.log()}"
        for line in self.log().splitlines():
            if line.startswith("listening http://"):
                self.url = line.split()[1]
                self.host, port = self.url[len("http://") :].rsplit(":", 1)
                self.port = int(port)
                return True
        return False

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def stop(self):
        """End it; an AssertionError if it does not end well."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=10 * processes.SLOW)
            except subprocess.TimeoutExpired:
                processes.kill_group(self.process)
                raise AssertionError("the simulator did not end on SIGTERM") from None
        assert self.process.returncode == 0, f"the simulator ended badly: {self.log()[-3000:]}"

    def kill(self):
        """Gone at once, as if the service had lost power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)

    # ---- the control path

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=10 * processes.SLOW)

    def control(self, method, path, body=None):
        connection = self.connect()
        try:
            data = None if body is None else json.dumps(body).encode()
            headers = {"Content-Type": "application/json"} if data else {}
            connection.request(method, "/_sim/" + path, data, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        assert response.status < 300, f"{method} /_sim/{path}: {response.status} {text!r}"
        return text

    def control_json(self, method, path, body=None):
        return json.loads(self.control(method, path, body) or b"{}")

    def stats(self):
        return self.control_json("GET", "stats")

    def calls(self, job=None):
        """GetMediaProducingJob calls so far, of one job or of all."""
        stats = self.stats()
        if job is not None:
            return stats["by_job"].get(job, 0)
        return stats["calls"].get("GetMediaProducingJob", 0)

    def reset(self):
        self.control("POST", "reset", {})

    def fault(self, kind, **fields):
        return self.control_json("POST", "fault", dict(fields, kind=kind))["id"]

    def clear(self, fault=None):
        self.control("DELETE", "fault" if fault is None else f"fault/{fault}")

    def jobs(self):
        """The ids of all jobs of now."""
        answer = self.control_json("GET", "jobs")
        rows = answer["jobs"] if isinstance(answer, dict) else answer
        return [row["id"] for row in rows]

    def reply(self, job):
        """The reply of Get as bytes, without counting as a call."""
        return self.control("GET", f"jobs/{job}")

    def put(self, job, **fields):
        """Make a job with exactly these fields, or change these of a job that is there; it stands still."""
        self.control("PUT", f"jobs/{job}", fields)
        return job

    def delete(self, job):
        self.control("DELETE", f"jobs/{job}")

    def clock(self, **fields):
        self.control("POST", "clock", fields)

    def freeze(self):
        self.clock(freeze=True)
