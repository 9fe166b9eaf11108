DROP TABLE upload_quota;
