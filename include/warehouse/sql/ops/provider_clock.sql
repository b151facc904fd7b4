SELECT clock_timestamp() AS warehouse_time
