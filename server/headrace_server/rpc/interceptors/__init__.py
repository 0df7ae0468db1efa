"""What every call passes on its way to a handler."""

from headrace_server.rpc.interceptors.chain import Interceptor, InterceptorChain

__all__ = ["Interceptor", "InterceptorChain"]
