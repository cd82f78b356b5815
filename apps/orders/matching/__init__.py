"""The order service: the single writer of a shard, what follows its journal, and what checks it.

The only package that knows the Rust module. Nothing here is imported by a web view but `service`, `projection` and
`errors`.
"""
