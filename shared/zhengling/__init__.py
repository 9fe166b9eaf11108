"""The library of Zhengling's services: layered packages that import only lower layers."""
