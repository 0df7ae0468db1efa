"""Envoy in front of the gRPC server: its configuration and its process."""
