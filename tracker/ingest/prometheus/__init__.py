"""Prometheus: samples, rules and alert history."""
