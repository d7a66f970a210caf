"""What every page is made of: frames, components, filters, headers and error pages. Knows no context.

Page authors read docs/guides/build-a-page.md.
"""
