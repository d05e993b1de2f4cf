"""Offline: two exports in, every disagreement between storefront and MIS out.

Needs no keys, no connection and no set-up; keeps nothing. The files are read by DuckDB in bounded
memory, the judging of a pair of states is one small module (`classify`).
"""
