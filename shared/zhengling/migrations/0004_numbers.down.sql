DROP TABLE number;
