"""Customer contact of WeCom (企业微信)."""
