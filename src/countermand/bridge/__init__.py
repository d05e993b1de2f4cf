"""The loop that keeps two systems in step: hint, read the truth, merge, plan, act, read back.

It talks to ports only (`bridge.ports`); vendors, storage and clock are passed in.
"""
