"""The history of other tools: post-mortems and exports, read into past incidents."""
