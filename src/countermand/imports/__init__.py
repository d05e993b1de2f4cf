"""First import: the orders that both systems have already, so that a shop with years of them can start today.

`files` reads the exports that `countermand compare` reads, into batches; `take_in` opens case files from
such a batch, or from orders read by id, in a running service; `review` settles what differed, in bulk.
Nothing is written to either system by itself: what differs at first sight goes to one review by a person.
"""
