"""Text messages through Aliyun (阿里云短信服务, dysmsapi 2017-05-25)."""
