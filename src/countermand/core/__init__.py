"""Pure judgement: what two systems say about a line, and what may be done about it.

Nothing here reads a clock, a file, a socket or a database; time arrives as an argument.
"""
