"""The event-sourced incident tracker; import what you need from the modules below."""
