"""What the tests on real mounts stand on. No test touches a mount from its own process: a stuck mount
must never hang the test run. File operations happen in short-lived processes (Mount.run, Mount.ops)."""
