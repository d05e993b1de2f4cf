"""Telling programs outside what happens: signed messages, in order, each until it has arrived."""
