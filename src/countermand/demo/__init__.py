"""The whole product in one command: both simulators, the bridge and the console, with sample orders."""
