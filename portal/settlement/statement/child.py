"""The printing process of statements: `python -m portal.settlement.statement.child`, spoken to by `printing`."""

from portal.plumbing.press import serve
from portal.settlement.statement.pdf import statement_pdf

if __name__ == "__main__":
    serve(statement_pdf)
