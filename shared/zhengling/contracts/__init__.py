"""What the services promise: OpenAPI and AsyncAPI documents, and whether a new one is compatible."""
