"""Heavy proofs: each measures one promise under load, prints its figures, and can fail. The tests of
tests/mounted/test_soak.py run short versions of them.

    tests/soak/run latency --build build [--mode system] [its own options; --help tells]
"""
