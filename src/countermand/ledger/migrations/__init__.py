"""Schema migrations: named *pre* (safe while the old version still runs) or *post* (after it is gone)."""
