'vat', 'sales_tax', 'gst'
