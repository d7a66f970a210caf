"""Subscribe messages of a WeChat mini-program (小程序订阅消息)."""
