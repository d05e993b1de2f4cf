"""A simulated world: the real core, bridge and ledger against two faulty systems, under simulated time.

One seed gives one history, to the byte. Nothing here reads the real clock, sleeps, or uses randomness that
does not come from the seed, so that a history that fails can be run again and made shorter.
"""
