"""A stack to judge: a Sock Shop with switchable defects, and a small cluster to run it on."""
