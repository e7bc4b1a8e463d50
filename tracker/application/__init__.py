"""What the tracker does, for any caller: command, server, page or notebook. It does not print."""
