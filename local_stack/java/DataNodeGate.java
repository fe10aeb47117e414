import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.shaded.io.netty.buffer.Unpooled;
import org.apache.hadoop.shaded.io.netty.channel.ChannelDuplexHandler;
import org.apache.hadoop.shaded.io.netty.channel.ChannelFutureListener;
import org.apache.hadoop.shaded.io.netty.channel.ChannelHandler;
import org.apache.hadoop.shaded.io.netty.channel.ChannelHandlerContext;
import org.apache.hadoop.shaded.io.netty.channel.ChannelPromise;
import org.apache.hadoop.shaded.io.netty.handler.codec.http.DefaultFullHttpResponse;
import org.apache.hadoop.shaded.io.netty.handler.codec.http.HttpHeaders;
import org.apache.hadoop.shaded.io.netty.handler.codec.http.HttpRequest;
import org.apache.hadoop.shaded.io.netty.handler.codec.http.HttpResponse;
import org.apache.hadoop.shaded.io.netty.handler.codec.http.HttpResponseStatus;
import org.apache.hadoop.shaded.io.netty.handler.codec.http.HttpVersion;
import org.apache.hadoop.shaded.io.netty.util.Attribute;
import org.apache.hadoop.shaded.io.netty.util.AttributeKey;
import org.apache.hadoop.shaded.io.netty.util.ReferenceCountUtil;

/** The gate of the DataNode's HTTP server, one for all connections. */
@ChannelHandler.Sharable
public final class DataNodeGate extends ChannelDuplexHandler {

  /** Of a connection: whether a request of it was refused, and with it whatever else comes. */
  private static final AttributeKey<Boolean> REFUSED = AttributeKey.valueOf(DataNodeGate.class, "refused");

  /** Hadoop makes a handler of what its class's initializeState gives. */
  public DataNodeGate(Configuration configuration) {}

  public static Configuration initializeState(Configuration configuration) {
    return configuration;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
    Attribute<Boolean> isRefused = context.channel().attr(REFUSED);
    if (message instanceof HttpRequest request && isRefused.get() == null) {
      HttpHeaders headers = request.headers();
      String refusal = HttpGate.refusal(headers.get("Host"), headers.get("Origin"), headers.get(HttpGate.HEADER));
      if (refusal != null) {
        isRefused.set(true);
        refuse(context, refusal);
      }
    }
    if (isRefused.get() != null) {
      ReferenceCountUtil.release(message);
    } else {
      super.channelRead(context, message);
    }
  }

  /** The DataNode tells browsers that every web page may read its answers. */
  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
    if (message instanceof HttpResponse response) {
      response.headers().remove("Access-Control-Allow-Origin");
    }
    super.write(context, message, promise);
  }

  private static void refuse(ChannelHandlerContext context, String refusal) {
    byte[] text = (refusal + "\n").getBytes(StandardCharsets.UTF_8);
    DefaultFullHttpResponse answer = new DefaultFullHttpResponse(
        HttpVersion.HTTP_1_1, HttpResponseStatus.FORBIDDEN, Unpooled.wrappedBuffer(text));
    answer.headers().set("Content-Type", "text/plain;charset=utf-8");
    answer.headers().set("Content-Length", text.length);
    answer.headers().set("Connection", "close");
    context.writeAndFlush(answer).addListener(ChannelFutureListener.CLOSE);
  }
}
