"""Where traces go: an OpenTelemetry collector, over OTLP/HTTP. Nothing is loaded, and no thread runs, unless it is configured."""

from __future__ import annotations

from zhengling.kernel import tracing
from zhengling.service.settings import ServiceSettings


def start_tracing(service: str, process: str, settings: ServiceSettings) -> None:
    """Export the spans of this process until it ends. Spans that the collector doesn't take are dropped: a trace is a help, and
    nothing waits for it."""
    if settings.otlp_traces_endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.trace_share)),
        resource=Resource(
            {
                "service.namespace": "zhengling",
                "service.name": f"{service}-svc",
                "service.instance.id": settings.instance,
                "zhengling.process": process,
            }
        ),
    )
    exporter = OTLPSpanExporter(endpoint=settings.otlp_traces_endpoint, timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracing.start(provider)
