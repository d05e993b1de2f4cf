"""Stand-ins for the two vendors: real HTTP servers with staff screens, a ledger of writes, and faults."""
