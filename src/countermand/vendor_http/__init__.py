"""HTTP plumbing that every vendor client shares: budget, time-outs, content checks, call counting."""
