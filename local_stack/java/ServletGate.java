import java.io.IOException;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.http.FilterContainer;
import org.apache.hadoop.http.FilterInitializer;
import org.apache.hadoop.shaded.javax.servlet.Filter;
import org.apache.hadoop.shaded.javax.servlet.FilterChain;
import org.apache.hadoop.shaded.javax.servlet.FilterConfig;
import org.apache.hadoop.shaded.javax.servlet.ServletException;
import org.apache.hadoop.shaded.javax.servlet.ServletRequest;
import org.apache.hadoop.shaded.javax.servlet.ServletResponse;
import org.apache.hadoop.shaded.javax.servlet.http.HttpServletRequest;
import org.apache.hadoop.shaded.javax.servlet.http.HttpServletResponse;

/** The gate of the NameNode's HTTP server, and of the inner one that the DataNode keeps for its pages. */
public final class ServletGate extends FilterInitializer {

  @Override
  public void initFilter(FilterContainer container, Configuration configuration) {
    container.addGlobalFilter("skytier-gate", Gate.class.getName(), Map.of());
  }

  /** Every request passes it. */
  public static final class Gate implements Filter {

    @Override
    public void init(FilterConfig configuration) {}

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      HttpServletRequest asked = (HttpServletRequest) request;
      String refusal =
          HttpGate.refusal(asked.getHeader("Host"), asked.getHeader("Origin"), asked.getHeader(HttpGate.HEADER));
      if (refusal == null) {
        chain.doFilter(request, response);
        return;
      }
      HttpServletResponse answer = (HttpServletResponse) response;
      answer.setStatus(HttpServletResponse.SC_FORBIDDEN);
      answer.setContentType("text/plain;charset=utf-8");
      answer.getWriter().println(refusal);
    }

    @Override
    public void destroy() {}
  }
}
