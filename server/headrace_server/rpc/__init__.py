"""The gRPC edge: one file per service, the interceptors, the table of status codes."""
