"""Text messages through Tencent Cloud (腾讯云短信, sms 2021-01-11)."""
