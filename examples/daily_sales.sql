SELECT date(order_date) AS day, currency, count(*) AS orders, sum(total_amount) AS total
FROM orders
WHERE order_status = 'completed'
GROUP BY date(order_date), currency
