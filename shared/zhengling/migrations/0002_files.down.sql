DROP TABLE file, file_content;
