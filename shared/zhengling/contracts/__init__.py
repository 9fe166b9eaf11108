"""The services' contracts: OpenAPI and AsyncAPI documents, and a check of compatibility."""
