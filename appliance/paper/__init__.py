"""The company's paper: a quotation as a PDF and as a workbook, in the customer's language."""
