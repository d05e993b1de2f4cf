"""A stand-in for an Infigo storefront: a real HTTP server, true to what is known of the real one."""
