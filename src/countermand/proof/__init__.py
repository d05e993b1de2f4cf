"""Proofs that leave the house: a readable page, and a script that checks a proof with nothing but Python."""
