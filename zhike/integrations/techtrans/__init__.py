"""The upload of sales that merchants' tills in Chinese malls already speak (科传): SOAP, `postsalescreate` and its siblings."""
