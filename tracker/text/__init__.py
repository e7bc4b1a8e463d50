"""Text from outside: secrets in it, mojibake, and quoting for shells, terminals and markdown."""
