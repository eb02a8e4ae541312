"""melange-cloud: the cheapest mix of cloud GPUs that serves an LLM at a traffic and latency."""

__version__ = "0.1.0"
