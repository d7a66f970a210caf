"""The people of our tests and the malls they meet in: 星河城 and 云港汇 of one group."""
