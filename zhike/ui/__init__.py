"""The doors for people and machines: translate, call one operation, render. They decide nothing and write nothing."""
