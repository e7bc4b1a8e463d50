"""The demo: its feeds recorded anew (`record`), and what it promises."""
